"""What the service takes and sends: fields, validation, refusals, and how each family of models behaves."""
