package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"

	"postern/shell"
)

// bill returns the software bill of materials of a Go binary, in the JSON of CycloneDX: Go itself and the modules that
// are in it, as the binary says.
func bill(binary string) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", binary, err)
	}
	document := cyclonedx.NewBOM()
	document.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: "postern", Type: cyclonedx.ComponentTypeApplication, Name: "postern", Version: shell.Version,
		Licenses:   &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "MIT"}}},
		Properties: settings(info),
	}}
	components := []cyclonedx.Component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	needed := []string{components[0].BOMRef}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		component := library(module.Path, module.Version, module.Sum)
		components, needed = append(components, component), append(needed, component.BOMRef)
	}
	document.Components = &components
	document.Dependencies = &[]cyclonedx.Dependency{{Ref: "postern", Dependencies: &needed}}
	var out bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	err = encoder.EncodeVersion(document, cyclonedx.SpecVersion1_6)
	return out.Bytes(), err
}

// library describes a module, with the sum of it that go.sum has: the h1, a SHA-256 in base64.
func library(path, version, sum string) cyclonedx.Component {
	purl := "pkg:golang/" + path + "@" + version
	component := cyclonedx.Component{
		BOMRef: purl, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl,
	}
	if hash, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && sum != "" {
		component.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(hash)}}
	}
	return component
}

// settings are how the binary was built.
func settings(info *debug.BuildInfo) *[]cyclonedx.Property {
	var properties []cyclonedx.Property
	for _, setting := range info.Settings {
		properties = append(properties, cyclonedx.Property{Name: "go:" + setting.Key, Value: setting.Value})
	}
	return &properties
}
