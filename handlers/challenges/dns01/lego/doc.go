// Package lego lets each DNS provider of the lego library prove names, without
// any webhook to install:
//
//	webhook:
//	  groupName: lego.certwright.dev
//	  solverName: PROVIDER                  lego's name, such as hetzner
//	  config:
//	    env: {KEY: value}                   settings as lego documents them
//	    secretEnv: {KEY: {name: SECRET, key: KEY}}
//	    secretFiles: {KEY_PATH: {name: SECRET, key: KEY}}
//
// The providers read their settings from the environment of the process, keep
// state in it, and bring some hundred SDKs along. So each call is a process of
// its own, of a program of its own (certwright-lego, beside certwright), that
// sees the settings of one issuer and nothing else: no environment of the
// daemon's, and where the kernel can see to it, no file but those that name
// resolvers and certificate authorities.
//
// Who may write an Issuer is not who runs the daemon. So what would let a
// provider run programs or read files of the daemon's is refused.
package lego
