"""What enters: GitHub events and archives, normalised and published to Kafka."""
