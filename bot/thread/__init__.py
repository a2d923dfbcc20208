"""The thread of every run, kept true: the follower turns events into posts, the courier delivers them."""
