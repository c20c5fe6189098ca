"""What is kept: serving tables, the merge that fills them, the queries that read them."""
