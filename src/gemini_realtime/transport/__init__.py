"""How a frame travels: one small interface, one file per kind."""
