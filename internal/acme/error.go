package acme

// Error says what the server said, else what happened on the way to it.
func (e *Error) Error() string {
	switch {
	case e.Detail != "" && e.Type != "":
		return e.Type + ": " + e.Detail
	case e.Detail != "":
		return e.Detail
	default:
		return e.Type
	}
}

// Unwrap gives the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }
