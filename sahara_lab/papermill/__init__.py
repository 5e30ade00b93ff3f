"""papermill: notebooks read from and written to vaults, and an engine with the Lab's settings."""
