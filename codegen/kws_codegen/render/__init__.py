"""From the program to C++, a module a pair of files: numbers and type logic here, layout in the templates alone."""
