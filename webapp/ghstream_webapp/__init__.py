"""What is shown: dashboard, REST API and live feed."""
