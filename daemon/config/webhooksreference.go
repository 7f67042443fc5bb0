package config

// webhooksReference tells of the one key that has no flag.
const webhooksReference = `
## Webhook certificates

The file's key ` + "`webhookCertificates`" + ` is a list of sets; it has neither flag nor
environment variable. Of each set a CA Secret, a server Secret signed by it and
the CA bundles of the webhook configurations are kept in step, and rotated
without a lost admission call. What is left out has the default shown here.
` + "`preset: btp-manager`" + ` is the whole set that SAP's BTP Manager keeps.

` + "```yaml" + `
apiVersion: ` + APIVersion + `
kind: ` + Kind + `
webhookCertificates:
- preset: btp-manager
- name: shop                       # needed; in commands, labels and metrics
  namespace: shop                  # needed; of both Secrets
  service: shop-webhook            # the webhook's Service there, and/or
  dnsNames: [hooks.example.com]    # names or addresses the API server calls
  webhooks:                        # every webhook of these gets the bundle
    validating: [shop]
    mutating: []
    selector: ""                   # by label, such as app=shop
  caSecret: {name: ca-server-cert, certificateKey: ca.crt, keyKey: ca.key, previousKey: ca-old.crt}
  serverSecret: {name: webhook-server-cert, certificateKey: tls.crt, keyKey: tls.key}
  caDuration: 87600h
  serverDuration: 8760h
  renewBefore: 168h                # or a share of the life, such as 10%
  key: {algorithm: ECDSA, size: 256} # or RSA; keys that exist are kept
  onBundleDrift: recreate          # an overwritten bundle is put back, and then
                                   # a new CA is made; restore leaves that out
  trigger:                         # a resource whose changes have the set looked at
    {group: example.com, version: v1, kind: Shop, name: main} # default: none
  graceTime: 3m                    # after which a stored certificate counts as
                                   # served, where a handshake cannot show it
  propagationTime: 10s             # after which every API server knows a bundle
  probe: true                      # look by a handshake at what is served
  labels: {}                       # further labels of both Secrets
` + "```" + `
`
