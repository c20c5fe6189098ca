"""A real Kubernetes for the tests, where neither kind nor a registry can be had."""
