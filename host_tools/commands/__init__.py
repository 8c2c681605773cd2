"""The commands of `microv2g`, one file each with register(subparsers)."""
