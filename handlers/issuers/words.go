package issuers

import "strings"

// mostWords bounds what of a server's answer gets into a status.
const mostWords = 400

// Words brings what a server said into one line of bounded length, and takes
// credentials out of it, should they be in it.
func Words(text string, hide ...string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, secret := range hide {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if len(text) > mostWords {
		text = text[:mostWords] + "..."
	}
	return strings.ToValidUTF8(text, "")
}
