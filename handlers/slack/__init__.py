"""The door to Slack: what comes in is committed, read and handed over; what goes out goes through one gateway."""
