// Command gen writes the dashboards as Grafana imports them.
//
//	go run ./dashboards/gen            into the folder dashboards
//	go run ./dashboards/gen FOLDER     somewhere else
//
// What stands in them is not here but in package dashboards. Start reading at main.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tallyman/dashboards"
)

func main() {
	folder := "dashboards"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	if err := write(folder); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	all := dashboards.All()
	for i := range all {
		text, err := all[i].JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, all[i].File), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
