"""The runtime: the only room that knows Faust. Intake, lanes, state and writer, a module each."""
