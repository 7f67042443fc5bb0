package webpage

import (
	"strings"

	"golang.org/x/net/html"
)

// part is what an element is made of: an attribute, a text, an element, or
// several of them. It adds itself to the element it is in, and nil adds nothing.
//
// Nothing here writes HTML: that does the library, which escapes every text and
// every value. Names of elements and attributes are this package's constants.
type part func(*html.Node)

// el is an element.
func el(name string, parts ...part) part {
	return func(in *html.Node) {
		n := &html.Node{Type: html.ElementNode, Data: name}
		all(parts...)(n)
		in.AppendChild(n)
	}
}

// all is several parts as one.
func all(parts ...part) part {
	return func(in *html.Node) {
		for _, p := range parts {
			if p != nil {
				p(in)
			}
		}
	}
}

// only is the parts where something is so, else nothing.
func only(so bool, parts ...part) part {
	if !so {
		return nil
	}
	return all(parts...)
}

// each is a part for each of a list, made when its turn comes.
func each[T any](list []T, of func(T) part) part {
	return func(in *html.Node) {
		for _, one := range list {
			all(of(one))(in)
		}
	}
}

// text is what people read; nothing in it is obeyed.
func text(s string) part {
	return func(in *html.Node) { in.AppendChild(&html.Node{Type: html.TextNode, Data: s}) }
}

// attr is an attribute. Those that hold addresses are made by [href] instead.
func attr(key, value string) part {
	return func(in *html.Node) { in.Attr = append(in.Attr, html.Attribute{Key: key, Val: value}) }
}

// flag is an attribute that says all by being there.
func flag(key string) part { return attr(key, "") }

func class(names string) part { return attr("class", names) }

func id(name string) part { return attr("id", name) }

// href leads to an address of this page. All of them are made by this package;
// one that would lead elsewhere, or would run, is left out all the same.
func href(to string) part { return only(stays(to), attr("href", to)) }

// stays reports whether an address is relative to the page that it is on: no
// scheme, no host, no path from the root.
func stays(to string) bool {
	path := to
	if end := strings.IndexAny(to, "?#"); end >= 0 {
		path = to[:end]
	}
	// Browsers drop spaces and control characters, and take \ for /.
	return !strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r == ':' }) && !strings.HasPrefix(path, "/")
}
