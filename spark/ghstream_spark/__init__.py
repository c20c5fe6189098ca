"""What is computed: metrics of each micro-batch, merged into the serving store."""
