// Program ferretdb serves MongoDB's protocol from SQLite files, to accounts with passwords. FerretDB's own main program
// stops where a version file is missing, which its module lacks; this module's path lets it reach FerretDB's internals.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/internal/clientconn"
	"github.com/FerretDB/FerretDB/internal/clientconn/connmetrics"
	"github.com/FerretDB/FerretDB/internal/handler/registry"
	"github.com/FerretDB/FerretDB/internal/util/password"
	"github.com/FerretDB/FerretDB/internal/util/state"
)

// version is set by the linker.
var version = "unknown"

func main() {
	address := flag.String("listen", "127.0.0.1:27017", "address")
	folder := flag.String("folder", ".", "where the databases are")
	told := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *told {
		fmt.Println(version)
		return
	}
	if err := serve(*address, *folder, os.Getenv("ROOT_PASSWORD")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address, folder, root string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	provider, err := state.NewProvider("")
	if err != nil {
		return err
	}
	if err := provider.Update(func(s *state.State) { s.DisableTelemetry(); s.TelemetryLocked = true }); err != nil {
		return err
	}
	metrics := connmetrics.NewListenerMetrics()
	handler, closeBackend, err := registry.NewHandler("sqlite", &registry.NewHandlerOpts{
		Logger:        logger,
		ConnMetrics:   metrics.ConnMetrics,
		StateProvider: provider,
		TCPHost:       address,
		SetupDatabase: "admin",
		SetupUsername: "root",
		SetupPassword: password.WrapPassword(root),
		SetupTimeout:  10 * time.Second,
		SQLiteURL:     "file:" + folder + "/",
		TestOpts: registry.TestOpts{
			EnableNewAuth:           true,
			CappedCleanupPercentage: 10,
			BatchSize:               100,
			MaxBsonObjectSizeBytes:  16 << 20,
		},
	})
	if err != nil {
		return err
	}
	defer closeBackend()
	listener, err := clientconn.Listen(&clientconn.NewListenerOpts{
		TCP:     address,
		Mode:    clientconn.NormalMode,
		Metrics: metrics,
		Handler: handler,
		Logger:  logger,
	})
	if err != nil {
		return err
	}
	listener.Run(ctx)
	return nil
}
