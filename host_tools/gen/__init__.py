"""What is written into the tree from something else: tables of the codec, pages of docs/."""
