package verdict

// awaitsExternal is what an external issuer's own state explains of a request
// that is not signed.
func awaitsExternal(i Issuer, v Verdict) Verdict {
	switch i.External {
	case IssuerMissing:
		v.Because = "There is no " + i.String() + "."
		v.Remedy = "Create it, or correct spec.issuerRef (name, kind and group)."
	case IssuerNotReady:
		v.Because = sentence("The issuer is not ready and says", i.Reason, i.Message)
		v.Remedy = "Mend the issuer; the certificate follows by itself."
	}
	return v
}
