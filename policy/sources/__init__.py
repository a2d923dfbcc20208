"""Where rules come from: each kind of thing that an organization lays down, read strictly, one file a kind."""
