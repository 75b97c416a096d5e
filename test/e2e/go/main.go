// Drives a server with Ollama's own Go client: `go run . MODEL` prints one JSON object of what it got. OLLAMA_HOST says where.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/ollama/ollama/api"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	client, err := api.ClientFromEnvironment()
	must(err)
	must(client.Heartbeat(ctx))
	model := os.Args[1]
	options := map[string]any{"temperature": 0, "num_predict": 8}
	hello := []api.Message{{Role: "user", Content: "Say hello."}}
	got := map[string]any{}

	text := ""
	must(client.Chat(ctx, &api.ChatRequest{Model: model, Messages: hello, Options: options}, func(r api.ChatResponse) error {
		text += r.Message.Content
		if r.Done {
			got["reason"] = r.DoneReason
			got["counts"] = []int{r.PromptEvalCount, r.EvalCount}
		}
		return nil
	}))
	got["chat"] = text

	whole := false
	schema := json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}`)
	generate := &api.GenerateRequest{Model: model, Prompt: "Is it?", Stream: &whole, Format: schema, Options: map[string]any{"temperature": 0}}
	must(client.Generate(ctx, generate, func(r api.GenerateResponse) error {
		var answer map[string]bool
		err := json.Unmarshal([]byte(r.Response), &answer)
		got["keys"] = len(answer)
		return err
	}))

	stopping, stop := context.WithCancel(ctx)
	chunks := 0
	endless := &api.ChatRequest{Model: model, Messages: hello, Options: map[string]any{"num_predict": -1}}
	_ = client.Chat(stopping, endless, func(api.ChatResponse) error {
		if chunks++; chunks == 3 {
			stop()
		}
		return nil
	})
	got["chunks"] = chunks

	embedded, err := client.Embed(ctx, &api.EmbedRequest{Model: model, Input: []string{"a", "b"}})
	must(err)
	got["embeddings"] = []int{len(embedded.Embeddings), len(embedded.Embeddings[0])}
	listed, err := client.List(ctx)
	must(err)
	got["listed"] = listed.Models[0].Name
	running, err := client.ListRunning(ctx)
	must(err)
	got["running"] = running.Models[0].Name
	shown, err := client.Show(ctx, &api.ShowRequest{Model: model})
	must(err)
	got["family"] = shown.Details.Family

	last := ""
	create := &api.CreateRequest{Model: "made", From: model, System: "Be kind."}
	must(client.Create(ctx, create, func(r api.ProgressResponse) error { last = r.Status; return nil }))
	got["create"] = last
	must(client.Copy(ctx, &api.CopyRequest{Source: "made", Destination: "copied"}))
	must(client.Delete(ctx, &api.DeleteRequest{Model: "made"}))
	must(client.Delete(ctx, &api.DeleteRequest{Model: "copied"}))

	var failure api.StatusError
	err = client.Delete(ctx, &api.DeleteRequest{Model: "made"})
	if errors.As(err, &failure) {
		got["error"] = fmt.Sprint(failure.StatusCode, " ", failure.ErrorMessage)
	}
	must(json.NewEncoder(os.Stdout).Encode(got))
}
