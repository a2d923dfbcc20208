"""What Slack shows: pure functions of a run and its events. Whatever others wrote is text here, never markup."""
