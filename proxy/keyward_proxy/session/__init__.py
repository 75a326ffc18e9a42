"""One client connection as a state machine: events in, commands out. No sockets, no clock, no await."""
