"""Hosts that take bookings, on other people's libraries: run as programs, whole or with a defect."""
