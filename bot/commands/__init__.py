"""The commands of `countersign`, one file a group."""
