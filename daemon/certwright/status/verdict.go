package status

import "github.com/certwright/certwright/internal/verdict"

// What is observed and how it is judged is the web page's too.
type (
	// Observed is a Certificate with all that decides on its state.
	Observed = verdict.Observed
	// Issuer is what is known of the issuer a Certificate names.
	Issuer = verdict.Issuer
)
