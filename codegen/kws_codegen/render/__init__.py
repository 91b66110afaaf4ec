"""From the program to C++: numbers and type logic here, layout in the templates alone; one module for each pair of files."""
