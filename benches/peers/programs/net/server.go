// The server of the socket workloads in Go: echo, page and ticker.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"
)

const tick = time.Millisecond

var (
	guard sync.Mutex
	lags  []time.Duration
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: net-go echo|page|ticker ROOM")
		os.Exit(2)
	}
	room, err := strconv.Atoi(os.Args[2])
	exitOn(err)
	// Keepalive is four more system calls for each connection, and nobody else asks for it.
	config := net.ListenConfig{KeepAlive: -1}
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	exitOn(err)
	fmt.Println("listening on", listener.Addr())
	go untilInputEnds()
	switch os.Args[1] {
	case "page":
		exitOn(http.Serve(listener, http.HandlerFunc(page)))
	case "ticker":
		go ticking()
		fallthrough
	default:
		for {
			connection, err := listener.Accept()
			exitOn(err)
			go echo(connection, room)
		}
	}
}

func echo(connection net.Conn, room int) {
	defer connection.Close()
	buffer := make([]byte, room)
	for {
		length, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err := connection.Write(buffer[:length]); err != nil {
			return
		}
	}
}

func page(answer http.ResponseWriter, _ *http.Request) {
	answer.Header().Set("Content-Type", "text/plain")
	io.WriteString(answer, "Hello, World!")
}

func ticking() {
	for {
		begin := time.Now()
		time.Sleep(tick)
		lag := time.Since(begin) - tick
		guard.Lock()
		lags = append(lags, lag)
		guard.Unlock()
	}
}

func untilInputEnds() {
	io.Copy(io.Discard, os.Stdin)
	guard.Lock()
	if count := len(lags); count > 0 {
		sort.Slice(lags, func(a, b int) bool { return lags[a] < lags[b] })
		at := func(perMille int) float64 {
			return float64(lags[(count*perMille+999)/1000-1].Nanoseconds()) / 1e3
		}
		fmt.Println("lags", at(500), at(990), at(1000))
	}
	os.Exit(0)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
