"""What a station reports: records, files of them, and what people see of them."""
