// Package weather tests an agent that answers function calls against the emulator, with the standard library alone.
package weather

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAgentAnswersTheCallAndSurvives429(t *testing.T) {
	emulator := startEmulator(t)
	scenario, err := os.ReadFile("../scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	emulator.control(t, "POST", "/scenario", scenario)

	answer, err := agent{emulator.URL}.answer("What is the weather in Oslo?")
	if err != nil {
		t.Fatal(err)
	}
	if answer != "It rains in Oslo." {
		t.Errorf("unexpected answer: %q", answer)
	}
	if unused := emulator.control(t, "GET", "/unused", nil); string(unused) != "[]" {
		t.Errorf("never used: %s", unused)
	}
	if requests := emulator.control(t, "GET", "/requests", nil); !bytes.Contains(requests, []byte("Oslo: 4 degrees, rain")) {
		t.Errorf("the output was not submitted: %s", requests)
	}
}

// agent is the code under test.
type agent struct{ url string }

type run struct {
	ID             string `json:"id"`
	Status         string `json:"status"`
	RequiredAction struct {
		SubmitToolOutputs struct {
			ToolCalls []struct {
				ID       string `json:"id"`
				Function struct {
					Arguments string `json:"arguments"`
				} `json:"function"`
			} `json:"tool_calls"`
		} `json:"submit_tool_outputs"`
	} `json:"required_action"`
}

type object map[string]any

func (a agent) answer(question string) (string, error) {
	function := object{"name": "get_weather", "parameters": object{"type": "object"}}
	var assistant, thread struct {
		ID string `json:"id"`
	}
	tools := []object{{"type": "function", "function": function}}
	if err := a.ask("POST", "/assistants", object{"model": "gpt-4o", "tools": tools}, &assistant); err != nil {
		return "", err
	}
	messages := []object{{"role": "user", "content": question}}
	if err := a.ask("POST", "/threads", object{"messages": messages}, &thread); err != nil {
		return "", err
	}
	var current run
	runs := "/threads/" + thread.ID + "/runs"
	if err := a.ask("POST", runs, object{"assistant_id": assistant.ID}, &current); err != nil {
		return "", err
	}
	path := runs + "/" + current.ID
	for {
		current = run{}
		if err := a.ask("GET", path, nil, &current); err != nil {
			return "", err
		}
		switch current.Status {
		case "completed":
			return a.lastMessage(thread.ID)
		case "requires_action":
			if err := a.submit(path, current); err != nil {
				return "", err
			}
		case "queued", "in_progress":
			time.Sleep(10 * time.Millisecond)
		default:
			return "", fmt.Errorf("the run ended %s", current.Status)
		}
	}
}

func (a agent) submit(path string, current run) error {
	outputs := []object{}
	for _, call := range current.RequiredAction.SubmitToolOutputs.ToolCalls {
		var arguments struct {
			City string `json:"city"`
		}
		if err := json.Unmarshal([]byte(call.Function.Arguments), &arguments); err != nil {
			return err
		}
		outputs = append(outputs, object{"tool_call_id": call.ID, "output": arguments.City + ": 4 degrees, rain"})
	}
	return a.ask("POST", path+"/submit_tool_outputs", object{"tool_outputs": outputs}, &run{})
}

func (a agent) lastMessage(threadID string) (string, error) {
	var list struct {
		Data []struct {
			Content []struct {
				Text struct {
					Value string `json:"value"`
				} `json:"text"`
			} `json:"content"`
		} `json:"data"`
	}
	if err := a.ask("GET", "/threads/"+threadID+"/messages?limit=1", nil, &list); err != nil {
		return "", err
	}
	if len(list.Data) == 0 || len(list.Data[0].Content) == 0 {
		return "", fmt.Errorf("the thread has no message")
	}
	return list.Data[0].Content[0].Text.Value, nil
}

// ask sends a request, again after 429, and decodes the answer.
func (a agent) ask(method, path string, body, answer any) error {
	var content []byte
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = encoded
	}
	for retries := 0; ; retries++ {
		status, header, text, err := send(method, a.url+path, content)
		if err != nil {
			return err
		}
		if status == http.StatusTooManyRequests && retries < 3 {
			seconds, _ := strconv.ParseFloat(header.Get("retry-after"), 64)
			time.Sleep(time.Duration(seconds * float64(time.Second)))
			continue
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s %s: HTTP %d: %s", method, path, status, text)
		}
		return json.Unmarshal(text, answer)
	}
}

func send(method, url string, content []byte) (int, http.Header, []byte, error) {
	request, err := http.NewRequest(method, url, bytes.NewReader(content))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("authorization", "Bearer sk-emulator")
	request.Header.Set("openai-beta", "assistants=v2")
	request.Header.Set("content-type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, text, err
}

// emulator is the server, a process of its own, which also ends with this one.
type emulator struct {
	URL     string `json:"url"`
	Control string `json:"control"`
}

func startEmulator(t *testing.T) emulator {
	t.Helper()
	words := strings.Fields(os.Getenv("RUNS_CONFORMANCE_COMMAND"))
	if len(words) == 0 {
		words = []string{"runs-conformance"}
	}
	words = append(words, "serve", "--port", "0", "--json", "--watch-stdin", "--step-ms", "1")
	command := exec.Command(words[0], words[1:]...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		command.Wait()
	})
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the emulator did not start: %v", err)
	}
	var started emulator
	if err := json.Unmarshal(line, &started); err != nil {
		t.Fatal(err)
	}
	return started
}

func (e emulator) control(t *testing.T, method, path string, content []byte) []byte {
	t.Helper()
	status, _, text, err := send(method, e.Control+path, content)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: HTTP %d: %s %v", path, status, text, err)
	}
	return text
}
