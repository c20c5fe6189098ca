"""Questions to the store: plain functions of a connection and a time range."""
