"""What is generated of the Helm chart: the schema of its values, its README, and what it renders to in the tests."""
