package pki

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// nameConstraints is the extension of RFC 5280 section 4.2.1.10.
type nameConstraints struct {
	Permitted []subtree `asn1:"optional,tag:0"`
	Excluded  []subtree `asn1:"optional,tag:1"`
}

// subtree is a GeneralSubtree. Minimum and maximum are always absent in this
// profile; they are read so that their presence is noticed.
type subtree struct {
	Base    asn1.RawValue
	Minimum int `asn1:"optional,tag:0"`
	Maximum int `asn1:"optional,tag:1,default:-1"`
}

// nameConstraintsExtension encodes spec.nameConstraints. It returns nil when
// there is nothing to constrain.
func nameConstraintsExtension(c *cmapi.NameConstraints) (*pkix.Extension, error) {
	if c == nil {
		return nil, nil
	}
	var (
		value nameConstraints
		err   error
	)
	if value.Permitted, err = subtrees("permitted", c.Permitted); err != nil {
		return nil, err
	}
	if value.Excluded, err = subtrees("excluded", c.Excluded); err != nil {
		return nil, err
	}
	if len(value.Permitted)+len(value.Excluded) == 0 {
		return nil, nil
	}
	der, err := asn1.Marshal(value)
	return &pkix.Extension{Id: oidNameConstraints, Critical: c.Critical, Value: der}, err
}

func subtrees(side string, item *cmapi.NameConstraintItem) ([]subtree, error) {
	if item == nil {
		return nil, nil
	}
	var list []subtree
	add := func(tag int, value []byte) {
		list = append(list, subtree{
			Base:    asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: value},
			Maximum: -1,
		})
	}
	for _, kind := range []struct {
		field string
		tag   int
		names []string
	}{{"dnsDomains", tagDNS, item.DNSDomains}, {"emailAddresses", tagEmail, item.EmailAddresses}, {"uriDomains", tagURI, item.URIDomains}} {
		for i, s := range kind.names {
			if err := checkIA5(s); err != nil {
				return nil, fmt.Errorf("spec.nameConstraints.%s.%s[%d]: %w", side, kind.field, i, err)
			}
			add(kind.tag, []byte(s))
		}
	}
	for i, s := range item.IPRanges {
		_, network, err := net.ParseCIDR(s)
		if err != nil {
			return nil, fmt.Errorf("spec.nameConstraints.%s.ipRanges[%d]: %q is not an address range: write it as 10.0.0.0/8 or fd00::/8", side, i, s)
		}
		add(tagIP, append(append([]byte(nil), network.IP...), network.Mask...))
	}
	return list, nil
}

func parseNameConstraints(der []byte) (nameConstraints, error) {
	var c nameConstraints
	if err := unmarshalAll(der, &c); err != nil {
		return c, fmt.Errorf("name constraints: %w", err)
	}
	for _, s := range append(append([]subtree(nil), c.Permitted...), c.Excluded...) {
		if s.Minimum != 0 || s.Maximum != -1 {
			return c, errors.New("name constraints: minimum and maximum are not supported")
		}
	}
	return c, nil
}

// sameNameConstraints compares the extension of a request with the one its
// Certificate asks for, as sets: their order means nothing.
func sameNameConstraints(have, want *pkix.Extension) bool {
	if have == nil || want == nil {
		return have == nil && want == nil
	}
	if bytes.Equal(have.Value, want.Value) {
		return have.Critical == want.Critical
	}
	h, err := parseNameConstraints(have.Value)
	if err != nil {
		return false
	}
	w, err := parseNameConstraints(want.Value)
	return err == nil && have.Critical == want.Critical &&
		sameSet(subtreeKeys(h.Permitted), subtreeKeys(w.Permitted)) &&
		sameSet(subtreeKeys(h.Excluded), subtreeKeys(w.Excluded))
}

func subtreeKeys(list []subtree) []string {
	keys := make([]string, len(list))
	for i, s := range list {
		keys[i] = fmt.Sprintf("%d:%s", s.Base.Tag, s.Base.Bytes)
	}
	return keys
}
