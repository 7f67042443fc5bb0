// Package tracing makes OpenTelemetry traces of pieces of work that several
// handlers, and several processes, do parts of.
//
// Nothing is stored to join the parts: a [Trace] is named by what it is about,
// and its id is a hash of that, so that whoever knows what he works on knows
// the trace.
//
//	trace "issuance of 3f1c…, revision 4"     id = hash of the name
//	└── root span                             id = hash of the name; told when all is over
//	    ├── handler call (Call)               told when it has ended
//	    │   ├── create certificaterequests    noted by the HTTP client of the API server
//	    │   └── generate key                  noted by whoever calls Measure
//	    ├── handler call …
//	    └── stage …                           told when it is over
//
// What happens within a call is kept with the call until it ends, because only
// then is it known which trace it belongs to, and whether it did anything: a
// call that only looked leaves nothing. Where no call is in the context, which
// is everywhere when tracing is off, noting costs a look into the context.
//
// Spans are sent by HTTP as OTLP in protobuf, beside the work. A collector that
// cannot be reached costs the spans, and nothing else.
//
// The client for that is our own over otlptrace: otlptracehttp would link all
// of gRPC for one message type, five megabytes of program.
package tracing
