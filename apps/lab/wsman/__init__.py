"""The WS-Management service of the simulated hosts: real sockets, real sign-in, real envelopes."""
