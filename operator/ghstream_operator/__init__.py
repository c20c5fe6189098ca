"""What keeps a GitHubStream true on Kubernetes."""
