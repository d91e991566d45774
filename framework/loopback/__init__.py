"""An exchange on this machine that speaks the protocols of real ones, faults included."""
