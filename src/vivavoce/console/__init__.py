"""The web console: a page where a person talks to an agent. An ordinary client of the server's own protocols."""
