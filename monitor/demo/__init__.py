"""`schoolwatch demo`: a week of an invented school, on this machine alone.

A parent process owns the clock, the platforms' simulators and the mail server, all on loopback, and steps a child,
which is the real worker with the real connectors and the real transport. Only time is simulated: it stands still
while the child is down.
"""
