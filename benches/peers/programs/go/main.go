// The peer of the program `peers` that is written in Go.
//
// The first argument names the kind of work, and numbers follow, the first of which is that of the
// operations. It prints its figures in one line: nanoseconds for an operation, unless told
// otherwise at its function. What is timed alone is done before, a tenth of it, to warm up.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

const limit = time.Minute

func main() {
	runtime.GOMAXPROCS(1)
	var numbers []int
	for _, argument := range os.Args[2:] {
		number, err := strconv.Atoi(argument)
		must(err)
		numbers = append(numbers, number)
	}
	count, other := numbers[0], 0
	if len(numbers) > 1 {
		other = numbers[1]
	}
	timed := map[string]func(int, int) time.Duration{
		"yield": yield, "spawn": spawn, "ping_pong": pingPong, "stream": stream, "lock": lock,
		"limit_value": limitValue, "limit_yield": limitYield, "limit_answer": limitAnswer,
	}
	told := map[string]func(int, int) []float64{
		"parked": parked, "sleepers": sleepers, "files": files, "children": children,
		"ticker": ticker,
	}
	work := os.Args[1]
	if run, ok := timed[work]; ok {
		warm := count / 10
		if work == "spawn" && warm < other {
			warm = other
		}
		run(warm, other)
		fmt.Println(float64(run(count, other)) / float64(count))
	} else if run, ok := told[work]; ok {
		for _, figure := range run(count, other) {
			fmt.Print(figure, " ")
		}
		fmt.Println()
	} else {
		panic("no such work: " + work)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(right bool) {
	if !right {
		panic("the result is wrong")
	}
}

func yield(count, among int) time.Duration {
	var all sync.WaitGroup
	all.Add(among)
	yields := 0
	start := time.Now()
	for i := 0; i < among; i++ {
		go func() {
			for i := 0; i < count/among; i++ {
				yields++
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	spent := time.Since(start)
	check(yields == count)
	return spent
}

func spawn(count, atOnce int) time.Duration {
	sum := 0
	var all sync.WaitGroup
	start := time.Now()
	for batch := 0; batch < count/atOnce; batch++ {
		all.Add(atOnce)
		for i := 0; i < atOnce; i++ {
			n := batch*atOnce + i
			go func() {
				sum += n
				all.Done()
			}()
		}
		all.Wait()
	}
	spent := time.Since(start)
	check(sum == count*(count-1)/2)
	return spent
}

func pingPong(count, _ int) time.Duration {
	there, back := make(chan int), make(chan int)
	go func() {
		for number := range there {
			back <- number + 1
		}
	}()
	number := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		there <- number
		number = <-back
	}
	spent := time.Since(start)
	close(there)
	check(number == count)
	return spent
}

func stream(count, room int) time.Duration {
	items := make(chan int, room)
	start := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			items <- i
		}
		close(items)
	}()
	next := 0
	for item := range items {
		check(item == next)
		next++
	}
	spent := time.Since(start)
	check(next == count)
	return spent
}

func lock(count, holders int) time.Duration {
	var mutex sync.Mutex
	var all sync.WaitGroup
	all.Add(holders)
	held := 0
	start := time.Now()
	for i := 0; i < holders; i++ {
		go func() {
			for i := 0; i < count/holders; i++ {
				mutex.Lock()
				before := held
				runtime.Gosched()
				held = before + 1
				mutex.Unlock()
			}
			all.Done()
		}()
	}
	all.Wait()
	spent := time.Since(start)
	check(held == count)
	return spent
}

// Goroutines that wait with a limit, until what is returned is called.
func pend(count int) func() {
	done := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(count)
	for i := 0; i < count; i++ {
		far := time.Hour + time.Duration(i%100)*time.Second
		go func() {
			limited, cancel := context.WithTimeout(context.Background(), far)
			defer cancel()
			waiting.Done()
			select {
			case <-limited.Done():
				panic("too late")
			case <-done:
			}
		}()
	}
	waiting.Wait()
	return func() { close(done) }
}

func limitBy(count, pending int, what func()) time.Duration {
	defer pend(pending)()
	start := time.Now()
	for i := 0; i < count; i++ {
		limited, cancel := context.WithTimeout(context.Background(), limit)
		what()
		check(limited.Err() == nil)
		cancel()
	}
	return time.Since(start)
}

func limitValue(count, pending int) time.Duration {
	return limitBy(count, pending, func() {})
}

func limitYield(count, pending int) time.Duration {
	return limitBy(count, pending, runtime.Gosched)
}

func limitAnswer(count, pending int) time.Duration {
	defer pend(pending)()
	questions, answers := make(chan int, 1), make(chan int, 1)
	go func() {
		for question := range questions {
			answers <- question + 1
		}
	}()
	number := 0
	timer := time.NewTimer(limit)
	start := time.Now()
	for i := 0; i < count; i++ {
		questions <- number
		if !timer.Stop() {
			<-timer.C
		}
		timer.Reset(limit)
		select {
		case number = <-answers:
		case <-timer.C:
			panic("too late")
		}
	}
	spent := time.Since(start)
	close(questions)
	check(number == count)
	return spent
}

// Bytes each, and nanoseconds each to spawn, to wake and to end.
func parked(count, wakes int) []float64 {
	gates, full := make([]chan struct{}, wakes+1), make([]chan struct{}, wakes+1)
	for i := range gates {
		gates[i], full[i] = make(chan struct{}), make(chan struct{})
	}
	var all sync.WaitGroup
	all.Add(count)
	here := 0
	before := status("VmRSS:")
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			for i, gate := range gates {
				here++
				if here%count == 0 {
					close(full[i])
				}
				<-gate
			}
			all.Done()
		}()
	}
	var laps []time.Duration
	resident := 0.0
	for i, gate := range gates {
		<-full[i]
		laps = append(laps, time.Since(start))
		if i == 0 {
			resident = status("VmRSS:") - before
		}
		start = time.Now()
		close(gate)
	}
	all.Wait()
	end := time.Since(start)
	check(here == (wakes+1)*count)
	var wake time.Duration
	for _, lap := range laps[1:] {
		wake += lap
	}
	each := float64(count)
	return []float64{
		resident / each, float64(laps[0]) / each, float64(wake) / float64(wakes) / each,
		float64(end) / each,
	}
}

// Milliseconds of wall time and of the processor, and MiB of memory.
func sleepers(count, _ int) []float64 {
	before, used := status("VmRSS:"), processorMs()
	var all sync.WaitGroup
	all.Add(count)
	start := time.Now()
	for n := 0; n < count; n++ {
		n := n
		go func() {
			time.Sleep(sleep(n))
			all.Done()
		}()
	}
	all.Wait()
	wall := float64(time.Since(start)) / 1e6
	return []float64{wall, processorMs() - used, (status("VmHWM:") - before) / (1 << 20)}
}

func sleep(n int) time.Duration {
	return time.Duration(1+n*7919%1000) * time.Millisecond
}

// Nanoseconds for a file in the folder it is started in, and milliseconds of the processor.
func files(count, readers int) []float64 {
	used := processorMs()
	var all sync.WaitGroup
	all.Add(readers)
	read := 0
	start := time.Now()
	for reader := 0; reader < readers; reader++ {
		reader := reader
		go func() {
			for n := reader; n < count; n += readers {
				content, err := os.ReadFile(strconv.Itoa(n))
				must(err)
				read += len(content)
			}
			all.Done()
		}()
	}
	all.Wait()
	wall := float64(time.Since(start)) / float64(count)
	check(read == count*1024)
	return []float64{wall, processorMs() - used}
}

func children(count, atOnce int) []float64 {
	var all sync.WaitGroup
	all.Add(atOnce)
	start := time.Now()
	for parent := 0; parent < atOnce; parent++ {
		parent := parent
		go func() {
			for n := parent; n < count; n += atOnce {
				must(exec.Command("true").Run())
			}
			all.Done()
		}()
	}
	all.Wait()
	return []float64{float64(time.Since(start)) / float64(count)}
}

// How late the median tick is, and the 99th percentile, in microseconds.
func ticker(ticks, crowd int) []float64 {
	for n := 0; n < crowd; n++ {
		n := n
		go func() {
			for {
				time.Sleep(sleep(n))
			}
		}()
	}
	if crowd == 0 {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
	}
	time.Sleep(3 * time.Second)
	var late []float64
	start := time.Now()
	for i := 1; i <= ticks; i++ {
		next := start.Add(time.Duration(i) * time.Millisecond)
		// Not if it is over: a sleep of no length would let the others run.
		if pause := time.Until(next); pause > 0 {
			time.Sleep(pause)
		}
		late = append(late, float64(time.Since(next))/1e3)
	}
	sort.Float64s(late)
	return []float64{late[ticks/2], late[ticks*99/100]}
}

// A size in /proc/self/status, in bytes.
func status(field string) float64 {
	told, err := os.ReadFile("/proc/self/status")
	must(err)
	for _, line := range strings.Split(string(told), "\n") {
		if strings.HasPrefix(line, field) {
			kib, err := strconv.ParseFloat(strings.Fields(line)[1], 64)
			must(err)
			return kib * 1024
		}
	}
	panic("no " + field)
}

// The processor time of this process, to 10 ms.
func processorMs() float64 {
	told, err := os.ReadFile("/proc/self/stat")
	must(err)
	fields := strings.Fields(string(told[bytes.LastIndexByte(told, ')')+1:]))
	user, err := strconv.ParseFloat(fields[11], 64)
	must(err)
	system, err := strconv.ParseFloat(fields[12], 64)
	must(err)
	return (user + system) * 10
}
