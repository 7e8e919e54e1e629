package shell

// Version is the version of this binary. It works with functions of other versions whose protocol it knows.
const Version = "0.1.0"

// versionChanged logs when the functions in the database become, or cease to be, of another version than this binary.
func (s *Server) versionChanged(version string) {
	if version == Version {
		s.log.event("The database has postern %s now, as this binary", version)
		return
	}
	s.log.event("The database has postern %s, this binary is %s: they work together", version, Version)
}
