"""The whole pipeline on one machine: broker, jars and processes."""
