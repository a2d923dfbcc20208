"""The HTTP doors: one aiohttp application with health, webhooks and the API. Translates; decides nothing."""
