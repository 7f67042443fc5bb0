package scenes

import "k8s.io/apimachinery/pkg/runtime/schema"

// resources are those the scenes look at by name.
var resources = map[string]schema.GroupVersionResource{
	"Ingress":       {Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	"HTTPRoute":     {Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"},
	"Service":       {Version: "v1", Resource: "services"},
	"EndpointSlice": {Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
	"Pod":           {Version: "v1", Resource: "pods"},
	"Deployment":    {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":   {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"DaemonSet":     {Group: "apps", Version: "v1", Resource: "daemonsets"},
}

// openShift asks what OpenShift's own admission asks: who makes an EndpointSlice
// with addresses of pods, and who gives a host to an Ingress.
const openShift = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: openshift-endpoints}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [discovery.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [endpointslices]}]
  matchConditions: [{name: person, expression: "!request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"}]
  validations:
  - expression: authorizer.group('discovery.k8s.io').resource('endpointslices').subresource('restricted').namespace(request.namespace).check('create').allowed()
    reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: openshift-endpoints}
spec: {policyName: openshift-endpoints, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: openshift-hosts}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}]
  validations:
  - expression: authorizer.group('route.openshift.io').resource('routes').subresource('custom-host').namespace(request.namespace).check('create').allowed()
    reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: openshift-hosts}
spec: {policyName: openshift-hosts, validationActions: [Deny]}
`

const btpOperator = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: btpoperators.operator.kyma-project.io}
spec:
  group: operator.kyma-project.io
  names: {plural: btpoperators, singular: btpoperator, kind: BtpOperator, listKind: BtpOperatorList}
  scope: Namespaced
  versions:
  - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

// webhookSet is what an operator's own manifests have.
const webhookSet = `
apiVersion: v1
kind: Namespace
metadata: {name: kyma-system}
---
apiVersion: v1
kind: Service
metadata: {name: sap-btp-operator-webhook-service, namespace: kyma-system}
spec: {selector: {app: none}, ports: [{port: 443}]}
---
apiVersion: operator.kyma-project.io/v1alpha1
kind: BtpOperator
metadata: {name: btpoperator, namespace: kyma-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: sap-btp-operator-mutating-webhook-configuration}
webhooks:
- name: a.example.com
  sideEffects: None
  admissionReviewVersions: [v1]
  failurePolicy: Ignore
  clientConfig: {service: {namespace: kyma-system, name: sap-btp-operator-webhook-service}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: sap-btp-operator-validating-webhook-configuration}
webhooks:
- name: a.example.com
  sideEffects: None
  admissionReviewVersions: [v1]
  failurePolicy: Ignore
  clientConfig: {service: {namespace: kyma-system, name: sap-btp-operator-webhook-service}}
`

// gateway has a listener of its own, and one by a ListenerSet; NAME is the scene's.
const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME, namespace: NAMESPACE, annotations: {cert-manager.io/issuer: NAME-ca, certwright.dev/hostnames-from-routes: "true"}}
spec:
  gatewayClassName: nobodys
  listeners:
  - {name: web, protocol: HTTPS, port: 443, hostname: web.test, tls: {certificateRefs: [{name: NAME-web}]}}
  - {name: open, protocol: HTTPS, port: 444, tls: {certificateRefs: [{name: NAME-open}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  parentRefs: [{name: NAME, sectionName: open}]
  hostnames: [routed.test]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  parentRef: {name: NAME}
  listeners:
  - {name: set, protocol: HTTPS, port: 445, hostname: set.test, tls: {certificateRefs: [{name: NAME-set}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME, namespace: NAMESPACE, annotations: {cert-manager.io/issuer: NAME-ca}}
spec:
  tls: [{hosts: [ingress.test], secretName: NAME-ingress}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
`

// workloads mount the Secret of the scene; they have no pods.
const workloads = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: NAMESPACE, annotations: {certwright.dev/restart-on-renewal: "true"}}
spec:
  replicas: 0
  selector: {matchLabels: {app: NAME-d}}
  template:
    metadata: {labels: {app: NAME-d}}
    spec: {containers: [{name: web, image: example.com/web:1}], volumes: [{name: tls, secret: {secretName: NAME}}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: NAME, namespace: NAMESPACE, annotations: {certwright.dev/restart-on-renewal: "true"}}
spec:
  replicas: 0
  serviceName: none
  selector: {matchLabels: {app: NAME-s}}
  template:
    metadata: {labels: {app: NAME-s}}
    spec: {containers: [{name: web, image: example.com/web:1}], volumes: [{name: tls, secret: {secretName: NAME}}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: NAME, namespace: NAMESPACE, annotations: {certwright.dev/restart-on-renewal: "true"}}
spec:
  selector: {matchLabels: {app: NAME-x}}
  template:
    metadata: {labels: {app: NAME-x}}
    spec: {containers: [{name: web, image: example.com/web:1}], volumes: [{name: tls, secret: {secretName: NAME}}]}
`
