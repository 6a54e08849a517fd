// SPDX-License-Identifier: MIT

// Takes so many snapshots as an exporter in Go does, with the library of Cilium.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/cilium/ebpf"
)

func main() {
	snapshots, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	programs := 0
	for i := 0; i < snapshots; i++ {
		id := ebpf.ProgramID(0)
		for {
			if id, err = ebpf.ProgramGetNextID(id); err != nil {
				break
			}
			program, err := ebpf.NewProgramFromID(id)
			if err != nil {
				continue
			}
			info, err := program.Info()
			if err == nil {
				if _, known := info.RunCount(); known {
					programs++
				}
			}
			program.Close()
		}
	}
	fmt.Println(programs)
}
