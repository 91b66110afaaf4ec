"""The passes from graph to program, one a file. `pipeline` names them in their order."""
