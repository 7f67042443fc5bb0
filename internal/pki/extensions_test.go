package pki

import "testing"

func TestParseBasicConstraints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		der  []byte
		want basicConstraints
		err  string
	}{
		{[]byte{0x30, 0}, basicConstraints{false, -1}, ""},
		{[]byte{0x30, 3, 1, 1, 0xff}, basicConstraints{true, -1}, ""},
		{[]byte{0x30, 6, 1, 1, 0xff, 2, 1, 0}, basicConstraints{true, 0}, ""},
		{[]byte{0x30, 6, 1, 1, 0xff, 2, 1, 0xfe}, basicConstraints{}, "basic constraints: the path length is negative"},
		{[]byte{0x30, 0, 0}, basicConstraints{}, "basic constraints: its encoding is damaged"},
		{nil, basicConstraints{}, "basic constraints: its encoding is damaged"},
	} {
		got, err := parseBasicConstraints(c.der)
		if errorText(err) != c.err || c.err == "" && got != c.want {
			t.Errorf("% x: %+v, %v", c.der, got, err)
		}
	}
}

func TestParseNameConstraints(t *testing.T) {
	t.Parallel()
	// permitted: DNS "a"; the second with minimum 1, the third with maximum 0
	for want, der := range map[string][]byte{
		"": {0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, 'a'},
		"name constraints: minimum and maximum are not supported":  {0x30, 10, 0xa0, 8, 0x30, 6, 0x82, 1, 'a', 0x80, 1, 1},
		"name constraints: minimum and maximum are not supported ": {0x30, 10, 0xa1, 8, 0x30, 6, 0x82, 1, 'a', 0x81, 1, 0},
		"name constraints: its encoding is damaged":                {0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 2, 'a'},
	} {
		if _, err := parseNameConstraints(der); errorText(err) != want && errorText(err)+" " != want {
			t.Errorf("% x: %v, want %s", der, err, want)
		}
	}
}
