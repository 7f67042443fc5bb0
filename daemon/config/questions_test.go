package config

import "testing"

func TestThrottle(t *testing.T) {
	for _, c := range []struct {
		qps       float32
		burst     int
		wantQPS   float32
		wantBurst int
	}{{0, 0, -1, 0}, {0, 50, -1, 0}, {20, 50, 20, 50}, {0.5, 1, 0.5, 1}} {
		qps, burst := Config{KubeAPIQPS: c.qps, KubeAPIBurst: c.burst}.Throttle()
		if qps != c.wantQPS || burst != c.wantBurst {
			t.Errorf("%v/%d: got %v/%d", c.qps, c.burst, qps, burst)
		}
	}
}

func TestRuns(t *testing.T) {
	for _, c := range []struct {
		list, namespaces []string
		name             Controller
		want             bool
	}{
		{[]string{"*"}, nil, Approver, true},
		{[]string{"*", "-certificaterequests-approver"}, nil, Approver, false},
		{[]string{"-certificaterequests-approver", "*"}, nil, Approver, false},
		{[]string{"*", "-certificaterequests-approver"}, nil, CertificateRequests, true},
		{[]string{"issuers"}, nil, Issuers, true},
		{[]string{"issuers"}, nil, ClusterIssuers, false},
		{[]string{"certificates-trigger", "certificates-issuing"}, nil, Certificates, true},
		{[]string{"*", "-certificates-metrics"}, nil, Certificates, true},
		{[]string{"*", "-orders"}, nil, Certificates, true},
		{[]string{"*"}, []string{"a"}, ClusterIssuers, false},
		{[]string{"*"}, []string{"a"}, Issuers, true},
		{[]string{"*"}, nil, SigningRequests, true},
		{[]string{"*"}, []string{"a"}, SigningRequests, false},
		{[]string{"*", "-certificatesigningrequests"}, nil, SigningRequests, false},
		{[]string{"certificatesigningrequests-issuer-ca"}, nil, SigningRequests, true},
	} {
		got := Config{Controllers: c.list, Namespaces: c.namespaces}.Runs(c.name)
		if got != c.want {
			t.Errorf("%v %v: Runs(%s) = %v", c.list, c.namespaces, c.name, got)
		}
	}
}

func TestApproves(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		signer   string
		want     bool
	}{
		{[]string{"*"}, "issuers.cert-manager.io/a.b", true},
		{[]string{"*"}, "", true},
		{[]string{"issuers.cert-manager.io/*"}, "", false},
		{nil, "issuers.cert-manager.io/a.b", false},
		{[]string{"issuers.cert-manager.io/*"}, "issuers.cert-manager.io/a.b", true},
		{[]string{"issuers.cert-manager.io/*"}, "clusterissuers.cert-manager.io/a", false},
		{[]string{"issuers.cert-manager.io/a.*"}, "issuers.cert-manager.io/ab.c", false},
		{[]string{"clusterissuers.cert-manager.io/a"}, "clusterissuers.cert-manager.io/a", true},
		{[]string{"clusterissuers.cert-manager.io/a"}, "clusterissuers.cert-manager.io/ab", false},
	} {
		if got := (Config{ApproveSignerNames: c.patterns}).Approves(c.signer); got != c.want {
			t.Errorf("%v: Approves(%s) = %v", c.patterns, c.signer, got)
		}
	}
}

func TestCopiesAnnotation(t *testing.T) {
	c := Default()
	for key, want := range map[string]bool{
		"example.com/a": true, "fluxcd.io/x": false, "kubectl.kubernetes.io/last-applied-configuration": false,
	} {
		if got := c.CopiesAnnotation(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
	c.CopiedAnnotationPrefixes = []string{"example.com/"}
	if !c.CopiesAnnotation("example.com/a") || c.CopiesAnnotation("other.com/a") {
		t.Error("a prefix alone copies what begins with it, and nothing else")
	}
	c.CopiedAnnotationPrefixes = nil
	if c.CopiesAnnotation("example.com/a") {
		t.Error("no prefix copies nothing")
	}
}
