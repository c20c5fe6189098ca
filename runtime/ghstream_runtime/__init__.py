"""What every process of ours has: settings from the environment, probes over HTTP."""
