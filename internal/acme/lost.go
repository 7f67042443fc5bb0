package acme

import "sync"

// lost are the accounts that their servers denied, by URL: a server that was
// set up anew, or one that closed the account. An Issuer's status says that the
// account is registered, so somebody has to tell its handler that this is over.
type lost struct {
	mu  sync.Mutex
	all map[string]string
}

// add reports whether this is news.
func (l *lost) add(url, why string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.all[url]; known {
		return false
	}
	if l.all == nil {
		l.all = map[string]string{}
	}
	l.all[url] = why
	return true
}

func (l *lost) remove(url string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, url)
}

// Lost tells that the server denied a registered account since the process
// began, and in which words, until it is registered again.
func (c *Client) Lost(a Account) (why string, lost bool) {
	c.lost.mu.Lock()
	defer c.lost.mu.Unlock()
	why, lost = c.lost.all[a.URL]
	return why, lost
}
