package shell

// Version is the version of this binary, and of the functions in the database that it works with.
const Version = "0.1.0"
